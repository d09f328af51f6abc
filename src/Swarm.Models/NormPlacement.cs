namespace Swarm.Models;

/// <summary>Where in a block its norms are.</summary>
public enum NormPlacement : byte
{
    /// <summary>Of what each part reads.</summary>
    Before,

    /// <summary>Of what each part gives, before it is added.</summary>
    After,

    /// <summary>Both.</summary>
    Around,
}
