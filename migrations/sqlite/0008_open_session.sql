-- A function that PostgreSQL opens sessions by. Here a transaction has no round trips to save: there is nothing to make.
SELECT 1;
