"""The Django app: a TOM that publishes and receives shares itself. Imports no models, as Django's apps must not."""
