CREATE SEQUENCE numbers;
CREATE TABLE ticket (
    number int NOT NULL DEFAULT nextval('numbers'),
    token uuid DEFAULT gen_random_uuid(), -- @renamed from=key online
    made timestamptz DEFAULT now()
);
CREATE UNIQUE INDEX by_key ON ticket (token) WHERE token IS NOT NULL;
