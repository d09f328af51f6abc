namespace Swarm.Models;

/// <summary>A model, or a file of it, that cannot be used. The message names the field, the value seen and what was expected.</summary>
public sealed class ModelException(ModelError error, string message, Exception? inner = null) : Exception(message, inner)
{
    public ModelError Error { get; } = error;
}
