CREATE SEQUENCE numbers;
CREATE TABLE ticket (
    number int NOT NULL DEFAULT nextval('numbers'),
    key uuid DEFAULT gen_random_uuid(), -- @renamed from=token online
    made timestamptz DEFAULT now()
);
CREATE UNIQUE INDEX by_key ON ticket (key) WHERE key IS NOT NULL;
