        IF NOT ('«steps»' <@ done AND '«phase»' = ANY (reached)) THEN
            RAISE EXCEPTION 'trueup: «phase» of this plan is not applied in database %, and comes first', pg_catalog.current_database();
        END IF;
