"""Array manipulation: shapes, joining and splitting, padding."""
