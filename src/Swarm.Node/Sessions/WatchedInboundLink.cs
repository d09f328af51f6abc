using Swarm.Protocol;
using Swarm.Protocol.Links;
using Swarm.Protocol.Wire;

namespace Swarm.Node.Sessions;

/// <summary>
/// The listening side of a link, as its watcher sees it: it speaks as long as who dialled has sessions on the link, and ends a link on which nothing comes any more.
/// </summary>
/// <param name="sender">The writing half.</param>
/// <param name="progress">How far the device is.</param>
/// <param name="watcher">Whose timer it is.</param>
/// <param name="end">Ends the reading loop.</param>
internal sealed class WatchedInboundLink(LinkSender sender, Func<Progress> progress, LinkWatcher watcher, Action end) : IWatchedLink
{
    private bool _watched;

    public LinkWatch Watch { get; } = new(ChainTiming.Vanish);

    /// <summary>A frame came. True for one that concerns the link alone. Called by the reading loop.</summary>
    public bool Takes(LinkMessage message)
    {
        Watch.Heard(watcher.Now);
        if (!message.Session.IsNone)
        {
            // Whoever opens a session, attaches to one or sends a step is to be watched, whether or not it ever speaks of itself.
            if (!_watched && message.Frame.BodyCase is LinkFrame.BodyOneofCase.Open or LinkFrame.BodyOneofCase.Attach or LinkFrame.BodyOneofCase.Step)
                SetWatched(true);
            return false;
        }

        if (message.Frame.BodyCase != LinkFrame.BodyOneofCase.Progress || message.Defect is not null)
            return false;
        SetWatched(message.Frame.Progress.Sessions > 0);
        return true;
    }

    public void Speak() => sender.Send(new LinkMessage(new LinkFrame { Progress = progress() }));

    /// <summary>Who dialled is gone: its sessions go the way of a link that closed.</summary>
    public void GiveUp(string reason) => end();

    private void SetWatched(bool watched)
    {
        if (watched == _watched)
            return;
        _watched = watched;
        if (watched)
            watcher.Add(this);
        else
            watcher.Remove(this);
    }
}
