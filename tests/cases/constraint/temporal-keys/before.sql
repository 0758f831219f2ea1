CREATE EXTENSION btree_gist;
CREATE TABLE rooms (room integer, valid daterange NOT NULL, CONSTRAINT rooms_pk PRIMARY KEY (room, valid WITHOUT OVERLAPS));
CREATE TABLE bookings (room integer, valid daterange, guest text, CONSTRAINT one_guest UNIQUE (guest, valid WITHOUT OVERLAPS));
