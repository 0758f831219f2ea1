CREATE TABLE public.ferry (id integer PRIMARY KEY);
CREATE SCHEMA timetable;
COMMENT ON SCHEMA timetable IS 'who sails when';
CREATE TABLE timetable.sailing (ferry integer REFERENCES public.ferry, at timestamptz);
