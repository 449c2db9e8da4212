"""Reading what is to be published: tables, files, JSON lines, and the local TOM."""
