"""Where tangents and cotangents lie: leaves, containers of them, their vector spaces."""
