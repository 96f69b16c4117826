-- On PostgreSQL every node is told of users who have changed. Here nobody remembers users: there is nothing to make.
SELECT 1;
