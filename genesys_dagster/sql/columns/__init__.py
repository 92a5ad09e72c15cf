"""The columns of tables and figures: names, types, units and meanings."""
