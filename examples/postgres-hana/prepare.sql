-- The sample's table of extremes holds values that HANA has no room for. Without this, the plan is carried
-- out but for ZMATRIX, whose rows fail by key: dmoctl cuts, rounds or moves nothing by itself.
UPDATE sapsr3."ZMATRIX" SET
  "C_VARCHAR" = left("C_VARCHAR", 15),                                                     -- 30 characters beyond the basic plane are 60 UTF-16 units
  "C_NUMBER"  = CASE "ID" WHEN 2 THEN -999999999999999999999999999999.0001 WHEN 3 THEN 1e60 ELSE "C_NUMBER" END,  -- 34 significant digits
  "C_DATE"    = CASE WHEN "C_DATE" BETWEEN '1582-10-05' AND '1582-10-14' THEN '1582-10-15' ELSE "C_DATE" END;  -- days that its calendar leaves out
