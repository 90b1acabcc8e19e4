"""How fastad works: everything that the public modules re-export. Imports point downwards only."""
