CREATE EXTENSION btree_gist;
CREATE TABLE rooms (room integer, valid daterange NOT NULL, CONSTRAINT rooms_pk PRIMARY KEY (room, valid WITHOUT OVERLAPS));
CREATE TABLE bookings (
    room integer, valid daterange, guest text,
    CONSTRAINT one_guest UNIQUE (guest, room, valid WITHOUT OVERLAPS) WITH (fillfactor = 80),
    CONSTRAINT a_room FOREIGN KEY (room, PERIOD valid) REFERENCES rooms (room, PERIOD valid)
);
CREATE TABLE stays (room integer, valid daterange, FOREIGN KEY (room, PERIOD valid) REFERENCES rooms (room, PERIOD valid), PRIMARY KEY (room, valid WITHOUT OVERLAPS));
