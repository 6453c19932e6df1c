// A triangle mesh in camera space, with what its lighting needs.

uniform mat4 u_view;
uniform mat4 u_clip;

attribute vec3 a_position;
attribute vec3 a_normal;
attribute vec3 a_colour;
attribute vec2 a_uv;

varying vec3 v_local;
varying vec3 v_normal;
varying vec3 v_colour;
varying vec2 v_uv;

void main() {
    v_local = (u_view * vec4(a_position, 1.0)).xyz;
    v_normal = mat3(u_view) * a_normal;
    v_colour = a_colour;
    v_uv = a_uv;
    gl_Position = u_clip * vec4(v_local, 1.0);
}
