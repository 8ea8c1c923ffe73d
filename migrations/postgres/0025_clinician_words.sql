-- What a clinician wrote when they had told somebody a result, sealed under that person's key.
ALTER TABLE for_clinician ADD COLUMN words BYTEA;
