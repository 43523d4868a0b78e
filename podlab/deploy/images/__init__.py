"""Container images made on the controller, so that a cluster runs where no registry can be reached."""

from podlab.deploy.images.catalog import IMAGES, ImageRecipe, build

__all__ = ["IMAGES", "ImageRecipe", "build"]
