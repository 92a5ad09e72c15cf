"""Every fault at every place: what an export leaves in the lake is one true version, or the version before."""
