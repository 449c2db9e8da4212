"""Spectra: wavelengths, fluxes and their errors, of tables and of images."""
