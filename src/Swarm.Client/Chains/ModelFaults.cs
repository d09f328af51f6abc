using Swarm.Models;
using Swarm.Protocol;

namespace Swarm.Client;

/// <summary>A model's refusal in the swarm's words.</summary>
internal static class ModelFaults
{
    public static SwarmException ToSwarm(this ModelException exception) => new(
        exception.Error switch
        {
            ModelError.ContextExceeded => FaultKind.ContextExceeded,
            ModelError.NoCapacity => FaultKind.NoCapacity,
            ModelError.CorruptModel => FaultKind.CorruptModel,
            _ => FaultKind.InvalidArgument,
        },
        exception.Message, inner: exception);
}
