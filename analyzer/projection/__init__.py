"""From measured use to what each mode of the mesh costs for the same traffic."""
