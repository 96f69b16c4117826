-- Counters of attempts. A file serves one node, which keeps them in memory: there is nothing to make.
SELECT 1;
