"""A take and a film as data: the sidecar, and the recipe in the credential."""
