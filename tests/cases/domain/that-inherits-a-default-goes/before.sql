CREATE SCHEMA app;
CREATE DOMAIN app.theta AS character varying(20);
CREATE DOMAIN app.nu AS character varying(40);
CREATE DOMAIN app.beta AS app.nu DEFAULT 'z';
CREATE DOMAIN app.n3 AS app.beta;
