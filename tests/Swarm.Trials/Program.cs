using Swarm.Trials;

// Trials of real processes that take minutes: scripts/kills and scripts/measure run them.
switch (args)
{
    case ["kills", ..]:
        return await KillsTrial.RunAsync(args[1..]);
    case ["latency", ..]:
        return await LatencyTrial.RunAsync(args[1..]);
    case ["pause", ..]:
        return await PauseTrial.RunAsync(args[1..]);
    case ["rolling"]:
        return await RollingTrial.RunAsync();
    default:
        Console.Error.WriteLine("usage: Swarm.Trials kills [--runs N] [--seed S] [--freeze] | latency [--delay MILLISECONDS] | pause [--runs N] | rolling");
        return 2;
}
