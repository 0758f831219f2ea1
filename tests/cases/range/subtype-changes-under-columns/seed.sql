INSERT INTO parcel VALUES (1, '[1,2)', '{[1,2),[3,4)}', '{"[1,2)"}');
