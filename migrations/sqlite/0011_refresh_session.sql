-- A function that PostgreSQL refreshes sessions by. Here calls share a transaction already: there is nothing to make.
SELECT 1;
