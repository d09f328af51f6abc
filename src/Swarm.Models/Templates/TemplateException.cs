namespace Swarm.Models.Templates;

/// <summary>A template that was parsed but did not render.</summary>
public sealed class TemplateException(TemplateErrorKind kind, string message) : Exception(message)
{
    public TemplateErrorKind Kind { get; } = kind;
}
