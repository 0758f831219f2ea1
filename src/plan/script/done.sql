            SELECT line.step
            FROM (SELECT DISTINCT ON (s.step) s.step, r.direction FROM trueup.step s JOIN trueup.run r ON r.id = s.run
                  WHERE r.plan = '«digest»' AND s.outcome = 'done'
                  ORDER BY s.step, r.id DESC, s.id DESC) AS line
            WHERE line.direction = 'apply'
