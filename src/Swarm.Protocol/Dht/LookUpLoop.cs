using System.Threading.Channels;

namespace Swarm.Protocol.Dht;

/// <summary>Runs a <see cref="LookUp"/>: makes the calls that it asks for, and tells it what came of them.</summary>
internal static class LookUpLoop
{
    public static async Task RunAsync(
        LookUp lookUp, Func<Contact, CancellationToken, Task<LookUpAnswer>> ask, RecordKeeper clock, TimeProvider time, CancellationToken cancellationToken)
    {
        var arrivals = Channel.CreateUnbounded<Arrival>(new UnboundedChannelOptions { SingleReader = true });
        using ITimer alarm = time.CreateTimer(_ => arrivals.Writer.TryWrite(default), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        while (true)
        {
            foreach (Contact contact in lookUp.Next(clock.Now))
                _ = CallAsync(contact);
            if (lookUp.IsDone)
                return;
            if (lookUp.Deadline is { } deadline)
                alarm.Change(TimeSpan.FromTicks(Math.Max(TimeSpan.TicksPerMillisecond, (deadline - clock.Now).Ticks)), Timeout.InfiniteTimeSpan);
            Take(await arrivals.Reader.ReadAsync(cancellationToken));
            while (arrivals.Reader.TryRead(out Arrival arrival))
                Take(arrival);
        }

        async Task CallAsync(Contact contact)
        {
            try
            {
                arrivals.Writer.TryWrite(new Arrival(contact, await ask(contact, cancellationToken)));
            }
            catch (Exception exception)
            {
                // Peers' failures are answers; this one is the program's own and ends the look-up.
                arrivals.Writer.TryComplete(exception);
            }
        }

        void Take(Arrival arrival)
        {
            if (arrival.Contact is not { } contact)
                return;
            if (arrival.Answer.Contacts is { } contacts)
                lookUp.Answer(contact.Peer, contacts, arrival.Answer.IsHolder);
            else
                lookUp.Fail(contact.Peer);
        }
    }

    /// <summary>What a call brought; without a contact: the alarm.</summary>
    private readonly record struct Arrival(Contact? Contact, LookUpAnswer Answer);
}
