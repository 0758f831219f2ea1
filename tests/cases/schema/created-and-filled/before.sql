CREATE TABLE public.ferry (id integer PRIMARY KEY);
