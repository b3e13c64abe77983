"""The cleaning report: one HTML page with plots, tables and example images, that needs nothing beside itself."""
