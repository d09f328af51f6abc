namespace Swarm.Client.Observing;

/// <summary>Something that wants an operator's eye.</summary>
/// <param name="Code">Which rule found it.</param>
/// <param name="Message">One line: what is seen, and what to do about it.</param>
public sealed record StatusAlert(StatusAlertCode Code, string Message)
{
    /// <summary>True when generations fail because of it.</summary>
    public bool IsUrgent => Code is StatusAlertCode.NoNodes or StatusAlertCode.UncoveredBlocks;
}
