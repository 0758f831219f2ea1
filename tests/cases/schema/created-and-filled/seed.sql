INSERT INTO public.ferry VALUES (1), (2);
