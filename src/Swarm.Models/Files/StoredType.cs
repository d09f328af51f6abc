using Swarm.Kernels;

namespace Swarm.Models.Files;

/// <summary>Size of a type as a file stores it.</summary>
/// <param name="Name">The file format's own word.</param>
/// <param name="Format">The kernels' format of the same layout, if there is one.</param>
/// <param name="GroupLength">Values of a group; a row is a whole number of groups.</param>
/// <param name="GroupBytes">Bytes of a group.</param>
internal readonly record struct StoredType(string Name, WeightFormat? Format, int GroupLength, int GroupBytes);
