using Swarm.Trials;

// Trials of real processes that take minutes: scripts/kills and scripts/measure run them.
switch (args)
{
    case ["kills", ..]:
        return await KillsTrial.RunAsync(args[1..]);
    default:
        Console.Error.WriteLine("usage: Swarm.Trials kills [--runs N] [--seed S] [--freeze]");
        return 2;
}
