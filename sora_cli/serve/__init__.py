"""Films by HTTP: the Sora video API as it was, on one's own machine. The one importer of fastapi and uvicorn."""
