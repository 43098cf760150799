namespace Kube.Client;

/// <summary>The way to a cluster is not described, or described wrongly. The message names the file, the field and the remedy.</summary>
public sealed class ConnectionException(string message, Exception? inner = null) : Exception(message, inner);
