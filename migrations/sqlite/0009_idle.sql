-- When somebody last did something on a page they are signed in to, and after how long without it that ends, both in
-- microseconds. Neither for a device's token, which speaks whenever somebody does.
ALTER TABLE credential ADD COLUMN seen BIGINT;
ALTER TABLE credential ADD COLUMN idle BIGINT;
