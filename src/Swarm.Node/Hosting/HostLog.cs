using Microsoft.Extensions.Logging;

namespace Swarm.Node.Hosting;

/// <summary>What the daemon's life logs.</summary>
internal static partial class HostLog
{
    [LoggerMessage(EventId = 40, Level = LogLevel.Information, Message = "an announcement is held by nobody yet ({Refusals}); it is told again at once")]
    public static partial void NotStored(ILogger logger, string refusals);
}
