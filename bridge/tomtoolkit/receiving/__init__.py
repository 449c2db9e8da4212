"""What arrives, written over Django's ORM into the TOM that this process is part of."""
