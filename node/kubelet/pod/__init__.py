"""One pod's present and next state, decided from what the API wants and the runtime has. Pure."""
