"""What people point at: folders, zips, tables, datasets; and what their names and labels mean."""
