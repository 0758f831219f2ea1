CREATE TYPE mood AS ENUM ('calm');
CREATE TABLE diary (id integer, mood mood DEFAULT 'calm');
