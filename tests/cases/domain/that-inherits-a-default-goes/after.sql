CREATE SCHEMA app;
CREATE DOMAIN app.theta AS character varying(20) NOT NULL;
CREATE DOMAIN app.nu AS character varying(40);
CREATE DOMAIN app.beta AS app.nu DEFAULT 'z';
CREATE DOMAIN app.n11 AS app.beta;
CREATE FUNCTION app.n3() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM 1; RETURN NEW; END $$;
