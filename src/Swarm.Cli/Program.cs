using Swarm.Cli.Framework;

return await SwarmProgram.RunAsync(args, CliHost.Real());
