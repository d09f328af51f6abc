namespace Swarm.Models.Templates.Values;

/// <summary>
/// A value inside a template. The set of subclasses is closed: a template never touches an object of the host, so that there is nothing
/// to break out into.
/// </summary>
internal abstract class Value
{
    /// <summary>Python's name of the type, as its error messages have it.</summary>
    public abstract string TypeName { get; }
}
