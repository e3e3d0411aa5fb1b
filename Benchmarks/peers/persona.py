"""What an answer must hold in the comparison of structured answers: persona.schema.json as a Pydantic model."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class Persona(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1)]
    age: Annotated[int, Field(ge=0, le=120)]
    city: str
    occupation: str
    education: Literal["none", "school", "college", "university"]
    skills: Annotated[list[str], Field(min_length=1, max_length=10)]
    languages: list[str]
    married: bool
    income: Annotated[float, Field(ge=0)]
    biography: str
