// Photos on the image planes of cameras; all come from one atlas.

uniform mat4 u_view;
uniform mat4 u_clip;

attribute vec3 a_position;
attribute vec2 a_uv;

varying vec2 v_uv;

void main() {
    v_uv = a_uv;
    gl_Position = u_clip * (u_view * vec4(a_position, 1.0));
}
