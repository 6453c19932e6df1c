"""What a field is made of: three ways to hold density and colour at every place."""

from engines.nerf.fields.choose import KINDS, fresh_field, rebuilt_field
from engines.nerf.fields.field import Field

__all__ = ["KINDS", "Field", "fresh_field", "rebuilt_field"]
