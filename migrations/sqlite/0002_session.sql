-- Only a discharge looks conversations up by owner, and there are few; every turn paid for the index.
DROP INDEX session_by_owner;
