-- What can be worked in a room, and by which topics of the broker. Nobody is in it.
CREATE TABLE room_device (
    room TEXT NOT NULL,
    id TEXT NOT NULL,
    told TEXT NOT NULL,
    wiring TEXT NOT NULL,
    PRIMARY KEY (room, id)
);

-- Lists that the house gives, each whole: what there is to know of it, what the kitchen cooks. Nobody is in them.
CREATE TABLE house_list (name TEXT NOT NULL PRIMARY KEY, told TEXT NOT NULL, at BIGINT NOT NULL);
